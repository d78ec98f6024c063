const DEADLINE_MS = 60_000; // without a GPU the landmarker's first picture takes seconds

/** `until(condition)` resolves once `look()` finds it true, and rejects at a deadline. */
export function waiting() {
  const looks = new Set();
  const look = () => {
    for (const one of looks) one();
  };
  const until = (condition) =>
    new Promise((resolve, reject) => {
      const deadline = setTimeout(() => {
        looks.delete(one);
        reject(new Error(`It never came: ${condition}`));
      }, DEADLINE_MS);
      const one = () => {
        if (!condition()) return;
        clearTimeout(deadline);
        looks.delete(one);
        resolve();
      };
      looks.add(one);
      one();
    });
  return {until, look};
}

/** Every track that getUserMedia gives; `look` is called at each. */
export function recordTracks(look = () => {}) {
  const tracks = [];
  const {mediaDevices} = navigator;
  if (!mediaDevices) return tracks; // as in a page that came over http
  const ask = mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.getUserMedia = async (constraints) => {
    const media = await ask(constraints);
    tracks.push(...media.getTracks());
    look();
    return media;
  };
  return tracks;
}
