// What a browser does with what it is told while no page is open: it shows it, and leads to the pages. Nothing is kept.
"use strict";
self.addEventListener("push", (event) => {
  let said = {};
  try { said = event.data.json(); } catch { /* shown all the same: a browser wants every push shown */ }
  const {title = "ems", body = "", tag} = said;
  event.waitUntil(self.registration.showNotification(String(title), {body: String(body), tag, renotify: Boolean(tag)}));
});
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.matchAll({type: "window", includeUncontrolled: true}).then((open) => open.length ? open[0].focus() : self.clients.openWindow("/ui/")));
});
