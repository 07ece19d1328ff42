import type { Log } from '#kernel'

/** What can go wrong without a caller to tell, in words for the operator. */
const sentences = {
  append_failed: 'The audit log could not be written; calls were refused. Check the database.',
  outcome_lost: 'An outcome could not be kept; its call is shown as unknown after the next start.',
  outcome_unexpected: 'An outcome was given to a call that has one already, or that is not in the audit log.',
  correction_lost: 'A correction could not be kept; the audit log shows as done what was not.',
  note_lost: 'What had happened already could not be kept for the audit log; it is not on record.',
  lease_lost:
    'Another replica took over the audit log of this process, which had given no sign of life; it goes on with another.',
  lease_failed:
    'This process has no audit log to write, so calls are refused. Check the database; it goes on by itself.',
  takeover_failed:
    'The audit log of a replica that ended could not be finished; calls without an outcome stay pending. It is tried again.',
  settle_failed: 'The audit log could not note how far it is settled; the next start reads more of it.',
}

/** Takes numbers and names of errors, never a value that was recorded. */
export type Report = (trouble: keyof typeof sentences, records: number, cause?: unknown) => void

export function reporter(log: Log | undefined): Report {
  return (trouble, records, cause) => {
    log?.error({ code: `audit.${trouble}`, records, cause: nameOf(cause) }, sentences[trouble])
  }
}

/** An error's message may quote what was written. */
function nameOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error)) return undefined
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name
}
