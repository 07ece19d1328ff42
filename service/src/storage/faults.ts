import { faults } from '#kernel'

export const fault = faults('storage', {
  newer: [
    'unavailable',
    'The data directory was written by a newer version of Tetrapod. Start that version or a later one: going back is not possible.',
  ],
  sequence_taken: [
    'conflict',
    'This place in the audit log is taken: another process writes under the same replica name. Give every replica a name of its own.',
  ],
})
