import { faults } from '#kernel'

export const fault = faults('http', {
  body_too_large: ['invalid', 'The request body is too large.'],
  body_aborted: ['invalid', 'The request body ended early. Send it again.'],
  wrong_host: ['denied', 'This address is not served here. Use the publicUrl of the configuration.'],
  wrong_origin: [
    'denied',
    'The form was not sent from one of our own pages. Open the page again and send it from there.',
  ],
  form_malformed: ['invalid', 'The form is malformed: a field is missing, or is there twice.'],
  method_not_allowed: ['invalid', 'This address is read with GET.'],
  not_found: ['missing', 'There is nothing at this address.'],
  internal: ['internal', 'Something went wrong on our side. The log says more under the id of this request.'],
})
