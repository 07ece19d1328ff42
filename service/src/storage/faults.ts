import { faults } from '#kernel'

export const fault = faults('storage', {
  newer: [
    'unavailable',
    'The database was written by a newer version of Tetrapod. Start that version or a later one: going back is not possible.',
  ],
  lease_lost: [
    'conflict',
    'Another replica took this audit log over, because this one gave no sign of life. It goes on with a log of its own; if that happens often, look for what stops this process for seconds.',
  ],
  locked: [
    'unavailable',
    'Another Tetrapod runs on this data directory, or one of a version before replicas on this database. Stop it first, or give this one its own.',
  ],
  closed: ['unavailable', 'Tetrapod is shutting down. Try again when it has started.'],
  stopped: [
    'unavailable',
    'The database stopped unexpectedly. Restart Tetrapod: nothing that was confirmed is lost.',
  ],
  statement: [
    'internal',
    'The database refused a statement. This is a defect in Tetrapod: please report it.',
  ],
})
