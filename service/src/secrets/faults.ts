import { Fault, faults } from '#kernel'

export const fault = faults('secrets', {
  // Never with the text itself: what is not a reference may be the secret, pasted.
  reference_invalid: [
    'invalid',
    'This is not a reference to a secret. Write env:NAME or file:///absolute/path, never the secret itself.',
  ],
  unresolved: [
    'unavailable',
    'This reference to a secret leads to nothing. Set the variable, or make the file readable for this process: text, not empty, at most 64 KiB.',
  ],
})

/** `secrets.unresolved`, naming the reference, never a value. */
export function unresolved(reference: string, cause?: unknown): Fault {
  const { code, kind, message } = fault.unresolved()
  return new Fault(code, kind, `${reference}: ${message}`, { cause })
}
