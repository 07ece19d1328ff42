import { faults } from '#kernel'

export const fault = faults('service', {
  configuration_unreadable: [
    'invalid',
    'The configuration file cannot be read. Name one that exists with --config.',
  ],
  address_taken: [
    'unavailable',
    'Another program listens on this port already. Stop it, or choose another port in publicUrl.',
  ],
  address_unusable: ['unavailable', 'The service cannot listen on this address.'],
})
