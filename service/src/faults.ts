import { faults } from '#kernel'

export const fault = faults('service', {
  configuration_unreadable: [
    'invalid',
    'The configuration file cannot be read. Name one that exists with --config.',
  ],
  configuration_unnamed: [
    'invalid',
    'This service was started without a configuration file: it reads none again.',
  ],
  listen_missing: [
    'invalid',
    'publicUrl is https, and TLS ends at a proxy in front of Tetrapod: say where Tetrapod itself listens, with `listen: 127.0.0.1:4000` or --listen.',
  ],
  address_taken: [
    'unavailable',
    'Another program listens on this port already. Stop it, or choose another port with publicUrl, listen or --listen.',
  ],
  address_unusable: ['unavailable', 'The service cannot listen on this address.'],
})
