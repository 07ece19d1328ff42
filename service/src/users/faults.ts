import { faults } from '#kernel'

export const fault = faults('users', {
  busy: ['limited', 'Too many people are signing in at this moment. Wait a few seconds, then try again.'],
  too_many_tries: [
    'limited',
    'There were too many wrong passwords for this user name. Wait up to a minute, then try again.',
  ],
})
