import { faults } from '#kernel'

export const fault = faults('audit', {
  unavailable: [
    'unavailable',
    'The audit log cannot be written, so the call was refused. Try again shortly; operators: see /readyz.',
  ],
  unrecordable: [
    'invalid',
    'The call holds text or numbers that JSON cannot carry exactly (half a surrogate pair, a number out of range). Correct it and call again.',
  ],
  unreadable: [
    'unavailable',
    'The audit log cannot be read. Try again shortly; operators: check the database.',
  ],
  bundle_unreadable: [
    'internal',
    'The audit log holds a bundle that was changed or is missing. Operators: the service log names it; restore the database from its last good copy.',
  ],
  ref_unknown: [
    'invalid',
    'This is not a reference of this audit log. Use the `ref` of a line that it showed.',
  ],
})
