import { faults } from '#kernel'

export const fault = faults('vault', {
  unopenable: [
    'internal',
    'A stored secret does not open: it was changed, moved or sealed with another keyring. Restore the database and the keyring from the same backup.',
  ],
  keyring_foreign: [
    'unavailable',
    'This keyring is not the one that the database belongs to. Copy keyring.json from the data directory of a replica that runs on it, or from its backup, into this data directory, readable by its owner alone (chmod 600), and start again.',
  ],
  keyring_unreadable: [
    'internal',
    'The keyring file cannot be used. Restore it from the backup that belongs to this database.',
  ],
  keyring_exposed: [
    'internal',
    'Other users of this machine can read the keyring file. Run `chmod 600` on it and start again.',
  ],
  keyring_unwritable: [
    'internal',
    'The keyring file cannot be written. Make its directory writable for this process and start again.',
  ],
  row_key_invalid: [
    'internal',
    'A row cannot be named to the vault: a part of its key is empty, `-`, over 4 KiB or not text. Report this as a bug.',
  ],
  wrong_partition: ['internal', 'A row was given to the sealer of another partition. Report this as a bug.'],
  secret_lost: [
    'unavailable',
    'A secret of the service could neither be stored nor found. Check the database and start again.',
  ],
})
