"use client";

import {type RefObject, useCallback, useEffect, useRef, useState} from "react";
import {type Camera, createCamera} from "./camera.js";
import type {CameraChoice} from "./camera_access.js";
import type {KynaError} from "./errors.js";
import {attemptOf} from "./events.js";
import type {Landmarker} from "./landmarker.js";
import type {LandmarkerFiles} from "./landmarker_files.js";
import type {Readiness} from "./messages.js";
import type {Moment} from "./pose.js";
import {createStream} from "./session_stream.js";
import type {
  Attempt,
  HoldProgress,
  Stream,
  StreamEnd,
  StreamEvent,
  StreamSession,
  StreamState,
} from "./stream.js";

/** As `CameraOptions`, with refs in place of elements. It is read at each start. */
export interface DetectionCamera extends CameraChoice, Partial<LandmarkerFiles> {
  readonly video: RefObject<HTMLVideoElement | null>;
  readonly overlay?: RefObject<HTMLCanvasElement | null> | undefined;
  readonly landmarker?: Landmarker | Promise<Landmarker> | undefined;
}

export interface DetectionOptions {
  /** What the create answered; null while there is none. Another one begins a count of its own. */
  readonly session: StreamSession | null;
  /** Without it, moments come by `add`. */
  readonly camera?: DetectionCamera | undefined;
}

/** What the movement's author says to the person. */
export interface Cue {
  readonly level: "info" | "coaching" | "success";
  readonly message: string;
  /** Whether it came so long after its moment that nobody should speak it. */
  readonly isLate: boolean;
}

export interface Detection {
  /** `off`, or `starting` while there is no session yet, or the stream's. */
  readonly state: "off" | "starting" | StreamState;
  /** Whether the camera was allowed, and its picture is shown: the moment to create the session. */
  readonly isCameraOpen: boolean;
  readonly repetitions: number;
  /** The last one: an object of its own each time, even if it says the same. */
  readonly cue: Cue | null;
  readonly events: readonly StreamEvent[];
  /** Repetitions that were broken off, and attempts that did not count, oldest first. */
  readonly attempts: readonly Attempt[];
  /** Whether anything counts yet; null before the server has told it. */
  readonly readiness: Readiness | null;
  /** The hold that goes on; null while nothing is held. */
  readonly hold: HoldProgress | null;
  /** Poses left out, because the line is slower than the camera. */
  readonly dropped: number;
  /**
   * Why it is off, a failure of the camera or the stream; or why nothing counts, `frames_rejected`.
   * The next start clears it.
   */
  readonly error: KynaError | null;
  start(): void;
  /** Stops the camera and ends the session; null where the end is not known, as `error` tells. */
  stop(): Promise<StreamEnd | null>;
  /** Take a moment from elsewhere. Resolves once there is room, for which a recording waits. */
  add(moment: Moment): Promise<void>;
}

type Shown = "repetitions" | "cue" | "events" | "attempts" | "readiness" | "hold";
interface Seen extends Pick<Detection, Shown | "dropped" | "error"> {
  readonly stream: StreamState | null;
}
const NOTHING: Seen = {
  stream: null,
  repetitions: 0,
  cue: null,
  events: [],
  attempts: [],
  readiness: null,
  hold: null,
  dropped: 0,
  error: null,
};

/**
 * Stream a camera to a session, and show what is detected.
 *
 * A component that goes leaves the session, which goes on until its idle limit.
 */
export function useDetection({session, camera}: DetectionOptions): Detection {
  const [isOn, setOn] = useState(false);
  const [isCameraOpen, setCameraOpen] = useState(false);
  const [seen, setSeen] = useState(NOTHING);
  const stream = useRef<Stream | null>(null);
  const running = useRef<Camera | null>(null);
  const wanted = useRef(camera);
  useEffect(() => {
    wanted.current = camera;
  });

  const see = useCallback((change: Partial<Seen>) => setSeen((old) => ({...old, ...change})), []);
  const {stream_url, runtime_token} = session ?? {stream_url: null, runtime_token: null};

  // biome-ignore lint/correctness/useExhaustiveDependencies: another session begins anew
  useEffect(() => setSeen(NOTHING), [stream_url]);

  useEffect(() => {
    if (!isOn || stream_url === null) return;
    let isCurrent = true;
    const ifCurrent = (change: Partial<Seen>) => {
      if (isCurrent) see(change);
    };
    const opened = createStream(
      {stream_url, runtime_token},
      {
        onState: (state) => {
          if (state !== "ended") ifCurrent({stream: state}); // that comes with how it ended
        },
        onDropped: (dropped) => ifCurrent({dropped}),
        onError: (error) => ifCurrent({error}),
        onReadiness: (readiness) => ifCurrent({readiness}),
        onHold: (hold) => ifCurrent({hold}),
        onEvent: (event) => {
          if (isCurrent) setSeen((old) => withEvent(old, event));
        },
      },
    );
    const turnOff = (how: Partial<Seen>) => {
      ifCurrent({stream: "ended", ...how});
      if (isCurrent) setOn(false);
    };
    opened.ended.then(
      () => turnOff({}),
      (error) => turnOff({error}),
    );
    stream.current = opened;
    see({stream: opened.state});
    return () => {
      isCurrent = false;
      stream.current = null;
      opened.close();
      setSeen((old) => (old.stream === "ended" ? old : {...old, stream: null}));
    };
  }, [isOn, stream_url, runtime_token, see]);

  useEffect(() => {
    if (!isOn || !wanted.current) return;
    const {video, overlay, ...more} = wanted.current;
    if (!video.current) throw new Error("The video element has to be there before start().");
    const started = createCamera({
      ...more,
      video: video.current,
      overlay: overlay?.current ?? undefined,
      onMoment: (moment) => stream.current?.add(moment),
      onState: (now, error) => {
        if (now === "stopped" || error) setCameraOpen(false);
        if (!error) return;
        see({error});
        setOn(false);
      },
    });
    running.current = started;
    let isCurrent = true;
    const showOpen = () => isCurrent && started.state !== "stopped" && setCameraOpen(true);
    started.open().then(showOpen, () => {}); // onState has told it
    started.start().catch(() => {});
    return () => {
      isCurrent = false;
      started.stop();
      setCameraOpen(false);
    };
  }, [isOn, see]);

  const start = useCallback(() => {
    see({error: null});
    setOn(true);
  }, [see]);
  const stop = useCallback(async () => {
    running.current?.stop();
    if (stream.current) return stream.current.finalize().catch(() => null);
    setOn(false);
    return null;
  }, []);
  const add = useCallback(async (moment: Moment) => {
    stream.current?.add(moment);
    await stream.current?.ready;
  }, []);

  const {stream: attached, ...shown} = seen;
  const state = isOn ? (attached ?? "starting") : attached === "ended" ? "ended" : "off";
  return {...shown, state, isCameraOpen, start, stop, add};
}

function withEvent(old: Seen, event: StreamEvent): Seen {
  const events = [...old.events, event];
  // An event is of frames that were taken again.
  const seen = old.error?.code === "frames_rejected" ? {...old, error: null} : old;
  if (event.type === "feedback") {
    return {...seen, events, cue: {...event.payload, isLate: event.isLate}};
  }
  if (event.type === "event_interrupted") {
    return {...seen, events, attempts: [...seen.attempts, attemptOf(event)]};
  }
  const isRepetition = event.type === "event_completed";
  return {...seen, events, repetitions: seen.repetitions + (isRepetition ? 1 : 0)};
}
