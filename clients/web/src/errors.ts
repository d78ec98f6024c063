/** The details of an error. */
export type Details = Readonly<Record<string, string | number | boolean | null>>;

/** A failure, as the body of the platform's errors has it. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  /** Whether the same may succeed later. */
  readonly retryable: boolean;
  readonly details?: Details;
}

/**
 * Every failure of the client, the stream and the camera.
 *
 * `code` is the platform's, as its error bodies have it, or one of this package: its README has a
 * table of them. `status` is the HTTP status of an answer,
 * `closeCode` that of a closed stream.
 */
export class KynaError extends Error {
  override readonly name = "KynaError";
  readonly code: string;
  readonly retryable: boolean;
  readonly details: Details;
  readonly status: number | undefined;
  readonly closeCode: number | undefined;

  constructor(failure: Failure, more: {status?: number; closeCode?: number; cause?: unknown} = {}) {
    super(failure.message, "cause" in more ? {cause: more.cause} : undefined);
    this.code = failure.code;
    this.retryable = failure.retryable;
    this.details = failure.details ?? {};
    this.status = more.status;
    this.closeCode = more.closeCode;
  }
}
