/* Names that the admin's own pages leave out: of widgets, and of cells on a narrow screen. */
"use strict";

function nameOf(element) {
    return (element?.textContent || "").replace(/:\s*$/, "").trim();
}

function nameWidgets() {
    for (const select of document.querySelectorAll("select.select2-hidden-accessible")) {
        const box = select.nextElementSibling.querySelector(".select2-selection");
        const shown = box.querySelector(".select2-selection__rendered");
        box.setAttribute("aria-label", nameOf(select.labels[0]));
        box.removeAttribute("aria-labelledby");
        shown.removeAttribute("role");
        shown.removeAttribute("aria-readonly");
    }
    for (const input of document.querySelectorAll(".datetime input")) {
        const part = input.classList.contains("vDateField") ? "date" : "time";
        const row = input.closest(".form-row");
        input.setAttribute("aria-label", `${nameOf(row.querySelector("legend, label"))}, ${part}`);
    }
    for (const icon of document.querySelectorAll("span.help-tooltip[aria-label]")) {
        icon.setAttribute("role", "img");
    }
}

function nameCells() {
    for (const table of document.querySelectorAll("#result_list, .stacks")) {
        // Without the number of a column by which the rows are sorted.
        const names = [...table.querySelectorAll("thead th")].map((head) =>
            nameOf(head.querySelector(".text") || head),
        );
        for (const row of table.querySelectorAll("tbody tr")) {
            [...row.cells].forEach((cell, place) => {
                if (!cell.matches(".action-checkbox, [colspan]")) {
                    cell.dataset.column = names[place];
                }
            });
        }
    }
}

nameCells();

// After the widgets themselves: some are made when jQuery is ready, some when the page has loaded.
window.django?.jQuery(nameWidgets);
window.addEventListener("load", nameWidgets);
