import { faults } from '#kernel'

export const fault = faults('storage', {
  newer: [
    'unavailable',
    'The database was written by a newer version of Tetrapod. Start that version or a later one: going back is not possible.',
  ],
  sequence_taken: [
    'conflict',
    'This place in the audit log is taken: another process writes under the same replica name. Give every replica a name of its own.',
  ],
  locked: [
    'unavailable',
    'Another Tetrapod runs on this data directory or database. Stop it first, or give this one its own.',
  ],
  closed: ['unavailable', 'Tetrapod is shutting down. Try again when it has started.'],
  stopped: [
    'unavailable',
    'The database stopped unexpectedly, or another Tetrapod took it over. Restart this one: nothing that was confirmed is lost.',
  ],
  statement: [
    'internal',
    'The database refused a statement. This is a defect in Tetrapod: please report it.',
  ],
})
