// What a script adds to pages that are whole without it: copy buttons, results while one types.

const COPIED_MS = 2000;
const TYPING_MS = 150;

function addCopyButton(block) {
  const code = block.querySelector("pre code");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    const isCopied = await copy(code);
    button.textContent = isCopied ? "Copied" : "Press Ctrl+C";
    setTimeout(() => { button.textContent = "Copy"; }, COPIED_MS);
  });
  block.append(button);
}

// A page without TLS has no clipboard: then the text is selected, and copied as by a key.
async function copy(code) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    return true;
  } catch {
    const selection = getSelection();
    selection.selectAllChildren(code);
    return document.execCommand("copy");
  }
}

// The answer of the form's own page is shown below its field, and the arrow keys go through it.
function answerWhileTyping(form) {
  const field = form.querySelector("input");
  const box = document.createElement("div");
  box.className = "answers";
  box.id = "answers";
  box.hidden = true;
  const told = document.createElement("p");
  told.className = "visually-hidden";
  told.setAttribute("role", "status");
  field.setAttribute("aria-controls", box.id);
  form.append(box, told);
  let waiting;
  let asked = 0;

  async function answer() {
    const query = field.value.trim();
    asked += 1;
    const number = asked;
    if (!query) return close();
    const url = new URL(form.action);
    url.searchParams.set("q", query);
    const page = await (await fetch(url)).text();
    if (number !== asked) return; // a later one has been asked
    const parsed = new DOMParser().parseFromString(page, "text/html");
    const found = parsed.querySelector(".results, .none");
    box.replaceChildren(...(found ? [document.importNode(found, true)] : []));
    box.hidden = !found;
    const count = box.querySelectorAll("li").length;
    told.textContent = count ? `${count} found; the arrow keys go through them` : "Nothing found";
  }

  function close() {
    clearTimeout(waiting);
    asked += 1; // what is under way is not shown
    box.hidden = true;
  }

  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { answer().catch(close); }, TYPING_MS);
  });
  field.addEventListener("focus", () => { box.hidden = !field.value || !box.firstChild; });
  form.addEventListener("keydown", (event) => {
    const stops = [field, ...box.querySelectorAll("a")];
    const at = stops.indexOf(document.activeElement);
    if (event.key === "Escape") {
      close();
      field.focus();
      box.hidden = true;
    } else if (!box.hidden && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      stops.at((at + (event.key === "ArrowDown" ? 1 : -1)) % stops.length).focus();
    }
  });
  form.addEventListener("focusout", (event) => {
    if (!form.contains(event.relatedTarget)) close();
  });
}

document.querySelectorAll(".code:not(.live)").forEach(addCopyButton);
const search = document.querySelector(".top .search");
if (search) answerWhileTyping(search);

const menu = document.querySelector(".menu");
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !menu?.open) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});
document.addEventListener("click", (event) => {
  if (menu?.open && !menu.contains(event.target)) menu.open = false;
});
