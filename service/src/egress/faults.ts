import { faults } from '#kernel'

export const fault = faults('egress', {
  not_configured: ['denied', 'This address is not in the configuration, so nothing is sent there.'],
  unreachable: ['unavailable', 'The other side cannot be reached. Try again shortly.'],
  timed_out: ['unavailable', 'The other side did not answer in time. Try again shortly.'],
  keys_unavailable: [
    'unavailable',
    'The keys of this client cannot be fetched from its jwks_uri. Try again once they can.',
  ],
  address_refused: [
    'denied',
    'This address was told by somebody else, and it leads to a place that is not public: nothing is sent there.',
  ],
  too_large: ['unavailable', 'The other side answered with more than is accepted.'],
})
