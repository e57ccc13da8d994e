/** The kinds of recordings that data sets may hold. */

/**
 * What a sample of a recording is.
 *
 * - `events`: [n, 4] as doubles: x, y, polarity (0 or 1) and time in microseconds, by time;
 * - `audio`: [n, …channels] as stored, one row for each moment.
 */
export type RecordingKind = "events" | "audio";
