"""People's own channels: who is told what, and the bot that takes wishes. A process of its own (`ems notify run`).

It never touches a device and steers nothing: it reads, notes what it has told, and files what somebody confirmed as
everybody else files it. It works as a login of its own, which may no more than that (`warehouse.roles`).

    serve    the process: a thread for each way, and one that listens to the bot
    telling  alarms and reports by one way, each person's own
    health   a way or a channel that does not work becomes an alarm, and goes by the others
    reports  a day or a week in money, with its picture
    bot      what somebody says to the Telegram bot becomes answers
    orders   the words of a wish, and a wish in words
    glance   how a site stands, in some lines
    polling  what was said to the bot is fetched, once
"""
