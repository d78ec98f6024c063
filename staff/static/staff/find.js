// The box in the header: shows what is found as one types, to be chosen by keyboard or pointer.
const MIN_CHARACTERS = 2;
const PAUSE_MS = 150;
const form = document.getElementById("find");
const text = form?.elements.q;
const popup = form?.querySelector(".found");
const told = form?.querySelector("[role=status]");
let pause;
let asking;

function options() {
    return [...popup.querySelectorAll("[role=option]")];
}

function choose(option) {
    for (const one of options()) {
        one.setAttribute("aria-selected", one === option);
    }
    if (option) {
        text.setAttribute("aria-activedescendant", option.id);
        option.scrollIntoView({block: "nearest"});
    } else {
        text.removeAttribute("aria-activedescendant");
    }
}

function close() {
    clearTimeout(pause);
    asking?.abort();
    popup.hidden = true;
    popup.replaceChildren();
    told.textContent = "";
    text.setAttribute("aria-expanded", false);
    choose(null);
}

function show(found) {
    popup.innerHTML = found;
    popup.hidden = false;
    const number = popup.querySelectorAll("[role=option]:not([id$=all])").length;
    told.textContent = number ? `${number} found` : popup.textContent.trim();
    text.setAttribute("aria-expanded", number > 0);
    choose(null);
}

// An answer to an earlier text is dropped; where there is none, Enter leads to a page of its own.
async function ask() {
    const {signal} = (asking = new AbortController());
    const sought = new URLSearchParams({q: text.value});
    try {
        const answer = await fetch(`${form.dataset.typed}?${sought}`, {signal, redirect: "error"});
        const found = await answer.text();
        if (answer.ok && !signal.aborted) {
            show(found);
        }
    } catch {
        if (!signal.aborted) {
            close();
        }
    }
}

function askSoon() {
    clearTimeout(pause);
    asking?.abort();
    if (text.value.trim().length < MIN_CHARACTERS || !text.checkValidity()) {
        close();
        if (text.validity.patternMismatch) {
            text.reportValidity();
        }
    } else {
        pause = setTimeout(ask, PAUSE_MS);
    }
}

function step(by) {
    // The text itself has a place before the first: from there one comes back to it.
    const places = [null, ...options()];
    const at = places.findIndex(one => one?.getAttribute("aria-selected") === "true");
    choose(places[(Math.max(at, 0) + by + places.length) % places.length]);
}

function press(event) {
    const chosen = popup.querySelector("[aria-selected=true]");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (!popup.hidden) {
            step(event.key === "ArrowDown" ? 1 : -1);
        } else if (event.key === "ArrowDown") {
            askSoon();
        }
    } else if (event.key === "Enter" && chosen) {
        event.preventDefault();
        chosen.click();
    } else if (event.key === "Escape" && !popup.hidden) {
        event.preventDefault();
        close();
    }
}

if (form) {
    for (const [name, value] of Object.entries({
        role: "combobox",
        "aria-autocomplete": "list",
        "aria-controls": "found",
        "aria-expanded": "false",
        "aria-keyshortcuts": "Control+K Meta+K",
    })) {
        text.setAttribute(name, value);
    }
    form.querySelector("kbd").hidden = false;
    text.addEventListener("input", askSoon);
    text.addEventListener("keydown", press);
    text.addEventListener("blur", close);
    // A press on an option must not take the focus away before it is a click.
    popup.addEventListener("mousedown", event => event.preventDefault());
    document.addEventListener("keydown", event => {
        if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
            event.preventDefault();
            text.focus();
            text.select();
        }
    });
}
