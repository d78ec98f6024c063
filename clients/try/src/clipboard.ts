const TOLD_MS = 2_000;

/** Copy a text, and let the button say so for a while. */
export async function copy(button: HTMLButtonElement, text: string): Promise<void> {
  button.dataset.label ??= button.textContent ?? "";
  // Without TLS a page has no clipboard.
  const done = await navigator.clipboard?.writeText(text).then(
    () => true,
    () => false,
  );
  button.textContent = done ? "Copied" : "Not copied: select the text";
  setTimeout(() => {
    button.textContent = button.dataset.label ?? "";
  }, TOLD_MS);
}
