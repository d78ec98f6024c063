// Offers to copy the secret. Without this, the field is there to copy from by hand.
"use strict";
for (const button of document.querySelectorAll("button[data-copies]")) {
    const field = document.getElementById(button.dataset.copies);
    const status = button.nextElementSibling;
    button.hidden = false;
    button.addEventListener("click", async () => {
        field.select();
        try {
            await navigator.clipboard.writeText(field.value);
            status.textContent = "Copied.";
        } catch {
            status.textContent = "It is selected: copy it with the keyboard.";
        }
    });
}
