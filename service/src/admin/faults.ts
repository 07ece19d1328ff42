import { faults } from '#kernel'

export const fault = faults('admin', {
  range_malformed: ['invalid', 'Ask for 1 to 1000 records: limit is a whole number.'],
})
