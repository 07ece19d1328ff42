import { faults } from '#kernel'

export const fault = faults('cli', {
  not_running: [
    'unavailable',
    'No service is running on this data directory. Start one with tetrapod start, or name another with --data.',
  ],
})
