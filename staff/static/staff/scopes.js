// Presets of scopes: each ticks its boxes. Without this, the boxes are there to tick by hand.
"use strict";
for (const button of document.querySelectorAll("button[data-scopes]")) {
    const scopes = button.dataset.scopes.split(" ");
    const boxes = [...document.querySelectorAll("input[name=scopes]")];
    button.closest("[hidden]")?.removeAttribute("hidden");
    const show = () => {
        const isChosen = boxes.every(box => box.checked === scopes.includes(box.value));
        button.setAttribute("aria-pressed", isChosen);
    };
    button.addEventListener("click", () => {
        for (const box of boxes) {
            box.checked = scopes.includes(box.value);
            box.dispatchEvent(new Event("change", {bubbles: true}));
        }
    });
    document.addEventListener("change", show);
    show();
}
