// A list's filters close on Escape and when something else is clicked, as menus do.
"use strict";
const filters = document.querySelectorAll("details.filter");

function close(filter) {
    filter.open = false;
}

document.addEventListener("keydown", event => {
    const opened = event.key === "Escape" && document.querySelector("details.filter[open]");
    if (opened) {
        close(opened);
        opened.querySelector("summary").focus();
    }
});
document.addEventListener("click", event => {
    filters.forEach(filter => filter.contains(event.target) || close(filter));
});
