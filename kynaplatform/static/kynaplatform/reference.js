// What a script adds to pages that are whole without it: the language that was chosen last.

const KEY = "reference-language";

function chosen() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // where storage is refused
  }
}

for (const choice of document.querySelectorAll(".languages input")) {
  if (choice.value === chosen()) choice.checked = true;
  choice.addEventListener("change", () => {
    try {
      localStorage.setItem(KEY, choice.value);
    } catch {
      // The choice is that of this page alone.
    }
  });
}
