"""A maker's maintenance regulation, as text or PDF, becomes the draft of a template that a person confirms.

What is not understood stays unknown and is shown with its page and line; nothing is taken for granted.

    source   a document as pages of lines and tables, within bounds of size, pages and time
    pdf      the one place that opens PDFs, in a process of its own
    words    intervals, levels and kinds of work in English, Russian and Czech
    draft    levels and tasks with where they stand, what is doubted, and what could not be read
    tables   tables become tasks
    reading  headings and lists become levels and tasks; the whole document a draft
    plug     a language model, where one is named, may propose what rules could not read
    file     a draft as a file that a person corrects
    confirm  a draft becomes a template, when a person has said what was unknown
"""
