const STEP = 0.92;

/** Give an element the largest text that fits into its box, from `most` to `least` pixels. */
export function fitText(element: HTMLElement, most: number, least: number): void {
  const {style} = element;
  for (let size = most; ; size *= STEP) {
    style.fontSize = `${Math.max(size, least)}px`;
    const fits =
      element.scrollHeight <= element.clientHeight + 1 &&
      element.scrollWidth <= element.clientWidth + 1;
    if (fits || size <= least) return;
  }
}
