import { faults } from '#kernel'

export const fault = faults('tickets', {
  invalid: ['invalid', 'This link is not valid. Start again from where you came.'],
  expired: ['invalid', 'This link has expired. Start again from where you came.'],
  too_long: ['internal', 'A link would carry too much. Report this as a bug.'],
})
