import { Fault, faults } from '#kernel'

const fault = faults('catalogue', {
  invalid: ['invalid', 'The configuration is not valid: mend every line that is listed, then load it again.'],
})

/** `catalogue.invalid`, with every problem on a line of its own in the public message. */
export function invalid(problems: readonly string[]): Fault {
  const { code, kind, message } = fault.invalid()
  return new Fault(code, kind, [message, ...problems].join('\n'))
}
