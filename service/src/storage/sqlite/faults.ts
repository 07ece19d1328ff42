import { faults } from '#kernel'

export const fault = faults('storage', {
  unopenable: [
    'unavailable',
    'The data directory cannot be opened. Check that it exists, that it belongs to this user and that the disk is writable.',
  ],
  damaged: [
    'unavailable',
    'A file in the data directory is damaged or is not a Tetrapod database. Restore the directory from a backup.',
  ],
  disk: [
    'unavailable',
    'The data directory cannot be read or written. Check free space and permissions on its disk.',
  ],
  busy: [
    'unavailable',
    'Another program holds the database file. Close it: only Tetrapod may have its data directory open.',
  ],
})
