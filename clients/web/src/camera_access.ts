import {KynaError} from "./errors.js";

/** The code of each error of getUserMedia, by the browser's name. */
const CODES: Readonly<Record<string, keyof typeof MESSAGES>> = {
  NotAllowedError: "permission_denied",
  SecurityError: "permission_denied",
  NotFoundError: "no_camera",
  OverconstrainedError: "no_camera",
  NotReadableError: "camera_busy",
  AbortError: "camera_busy",
};
const MESSAGES = {
  insecure_context:
    "A browser gives a camera only to a page that came over https, or from this device. Open the page's https address.",
  unsupported_browser:
    "This browser can't give the pictures of a camera to this page. Open it in a newer Chrome, Edge, Firefox or Safari.",
  permission_denied:
    "This page may not use the camera. Allow it beside the page's address, and in the device's settings, then start again.",
  no_camera: "No camera was found. Connect one, then start again.",
  camera_busy:
    "The camera gives no picture. Close other programs and pages that use it, then start again.",
  camera_lost: "The camera was taken away. Connect it or allow it again, then start again.",
} as const;

export interface CameraChoice {
  readonly facing?: "user" | "environment" | undefined;
  readonly deviceId?: string | undefined;
}

/** A failure of the camera, told so that a person knows what to do. */
export function cameraFailure(code: keyof typeof MESSAGES, cause?: unknown): KynaError {
  const retryable = code !== "insecure_context" && code !== "unsupported_browser";
  return new KynaError({code, message: MESSAGES[code], retryable}, {cause});
}

/** Throws if the browser, or this page, can't have the pictures of a camera. */
export function requireSupport(): void {
  if (!globalThis.isSecureContext) throw cameraFailure("insecure_context");
  const hasFrames = "requestVideoFrameCallback" in HTMLVideoElement.prototype;
  if (!navigator.mediaDevices || !hasFrames) throw cameraFailure("unsupported_browser");
}

/** Ask for a camera's picture; rejects as `Camera.start` does. */
export async function openCamera({facing = "user", deviceId}: CameraChoice): Promise<MediaStream> {
  // The landmarker looks at few pixels, and a phone is slower with many.
  const isPhone = matchMedia("(pointer: coarse)").matches;
  const [width, height] = isPhone ? [640, 480] : [1280, 720];
  const which = deviceId ? {deviceId: {exact: deviceId}} : {facingMode: facing};
  const size = {width: {ideal: width}, height: {ideal: height}, frameRate: {ideal: 30}};
  try {
    return await navigator.mediaDevices.getUserMedia({audio: false, video: {...which, ...size}});
  } catch (cause) {
    const name = cause instanceof Error ? cause.name : "";
    throw cameraFailure(CODES[name] ?? "unsupported_browser", cause);
  }
}
