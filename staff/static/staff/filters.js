// The menu and a list's filters close on Escape and when something else is clicked, as menus do.
"use strict";
const menus = document.querySelectorAll("details.filter, details.menu");

function close(menu) {
    menu.open = false;
}

document.addEventListener("keydown", event => {
    const opened = event.key === "Escape" && document.querySelector("details:is(.filter, .menu)[open]");
    if (opened) {
        close(opened);
        opened.querySelector("summary").focus();
    }
});
document.addEventListener("click", event => {
    menus.forEach(menu => menu.contains(event.target) || close(menu));
});
