/** Call a page's callback: what it throws is the page's to see, and stops nothing of ours. */
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
