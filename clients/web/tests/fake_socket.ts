/** A websocket whose server is the test. */

import type {Socket, WebSocketConstructor} from "../src/connection.js";

export interface Sent {
  readonly type: string;
  readonly batch_seq?: number;
  readonly frames?: readonly {readonly frame_seq: number; readonly timestamp_ms: number}[];
  readonly clock_ms?: number;
}

export class FakeSocket implements Socket {
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  isClosed = false;
  readonly sent: Sent[] = [];

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.isClosed = true;
  }

  say(message: object): void {
    this.onmessage?.({data: JSON.stringify(message)} as never);
  }

  attached(more: object = {}): void {
    this.say({type: "session_update", status: "streaming", accepted_frames_total: 0, ...more});
  }

  /** Acknowledge the batches from the `first` sent on, and tell `more` with each. */
  acknowledge(first = 0, more: object = {}): void {
    for (const {batch_seq} of this.sent.slice(first)) {
      if (batch_seq) this.say({type: "frame_ack", batch_seq, accepted_frames_total: 0, ...more});
    }
  }

  /** Acknowledge the batches from the `first` sent on, and reject all their frames. */
  reject(reason: string, first = 0): void {
    for (const {batch_seq, frames = []} of this.sent.slice(first)) {
      const rejected_frames = frames.map((_, index) => ({index, reason}));
      this.say({type: "frame_ack", batch_seq, accepted_frames_total: 0, rejected_frames});
    }
  }

  closed(code: number): void {
    this.onclose?.({code} as never);
  }

  /** The times of all frames that were sent. */
  get times(): number[] {
    return this.sent.flatMap(({frames = []}) => frames.map((frame) => frame.timestamp_ms));
  }
}

/** Makes sockets, and keeps them. */
export function sockets(): {WebSocket: WebSocketConstructor; made: FakeSocket[]} {
  const made: FakeSocket[] = [];
  class Made extends FakeSocket {
    constructor() {
      super();
      made.push(this);
    }
  }
  return {WebSocket: Made, made};
}
