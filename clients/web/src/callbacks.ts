/** Call a page's callback. What it throws is reported to the page, and stops nothing of ours. */
export function tell<Told extends unknown[]>(
  callback: ((...told: Told) => void) | undefined,
  ...told: Told
): void {
  try {
    callback?.(...told);
  } catch (error) {
    setTimeout(() => {
      throw error;
    });
  }
}
