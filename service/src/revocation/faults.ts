import { faults } from '#kernel'

export const fault = faults('revocation', {
  stale: [
    'unavailable',
    'What was revoked could not be read for 5 seconds, so no token is accepted and none is given. Try again shortly.',
  ],
})
