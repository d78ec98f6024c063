/** Gives the page's main buttons the customer's colour, with text that can be read on it. */

const DARK = "#000000";
const LIGHT = "#ffffff";

/** `color` is `#rrggbb`; an empty one leaves the page as it is. */
export function paint(color: string): void {
  if (!color) return;
  const {style} = document.documentElement;
  style.setProperty("--accent", color);
  style.setProperty("--on-accent", textColorOn(color));
}

/** Black or white, whichever has more contrast: at least 4.58, by WCAG 2.2. */
export function textColorOn(color: string): string {
  const luminance = luminanceOf(color);
  return (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) ? DARK : LIGHT;
}

/** The relative luminance, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance */
function luminanceOf(color: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((start) => {
    const share = Number.parseInt(color.slice(start, start + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
