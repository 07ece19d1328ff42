import { faults } from '#kernel'

export const fault = faults('policy', {
  rule_unclear: [
    'invalid',
    'A policy rule is about tools or about APIs, not both: write one rule with `tools` and one with `apis`.',
  ],
})
