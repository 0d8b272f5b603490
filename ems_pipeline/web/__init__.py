"""Pages for people, drawn on this machine: they show what the HTTP API answers, and file what it would file.

A page is a module of `pages` and a template: the module asks the API's own functions in the reader's name, the template
says it. Nothing is loaded from elsewhere, everything works without the one script, and what is not known is a dash.

    serve                   the process: the API with the pages on it
    site, reader            the application's pages; who reads one, and how it is answered
    forms                   what a form says, and the word that goes with it
    said, words             values as people read them; sentences in the reader's language
    assets                  style, script and icons, each under the name of its content
    drawn, pen              pictures in a page; those of plans and of this moment
    controllers, gauges     controllers of generating sets as they stand, and their small pictures
    genset_hours            the last hours of one of them
    measured                what was measured, in as many buckets as a picture has room for
    preview                 what a wish would cost before it is filed
    preview_genset          the same of a generating set
    setup                   what is typed into the set-up, and what it means
    pages                   a module a page
"""
