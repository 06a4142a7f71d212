import type { ProblemDescription } from '../problem-description.ts'

/** Of the registrations of CAs with AWS IoT. */
export const awsProblems = {
  aws_registration_not_found: {
    status: 404,
    title: 'There is no such registration with AWS IoT',
    meaning: 'The authority has no registration with this id.',
    remedy: 'Check the id against `GET /v1/authorities/{name}/aws-registrations`.'
  },
  aws_template_not_ours: {
    status: 409,
    title: 'The stored template is somebody else’s',
    meaning:
      'The account has a stored template of that name that Mintline did not make: neither its description nor its tag says so. Nothing was changed.',
    remedy:
      'Ask for another `templateName`. To take it over, post the registration again with `"adopt": true`: its version stays, and the steps of the registration tell how to go back to it.'
  },
  aws_registration_blocked: {
    status: 409,
    title: 'AWS IoT was left at the template that it had',
    meaning:
      'The account lacks what the newer version of the profile needs, so devices would stay pending. Told in `lastError` of a registration and of its job.',
    remedy:
      'Mend in the account what `lastError` names, and POST the `sync` of the registration; or go back with `POST /v1/profiles/NAME/revert`.'
  },
  aws_registration_held: {
    status: 409,
    title: 'AWS IoT was left at the template that it had',
    meaning:
      'The newer version of the profile goes to another account or region first, and has not gone through there. Told in `lastError` of a registration.',
    remedy:
      'Mend the registration that `lastError` names, or POST the `sync` of this one, which does not wait.'
  },
  aws_registration_invalid: {
    status: 422,
    title: 'The authority cannot be registered with AWS IoT like this',
    meaning: 'What is asked for, the authority or the profile breaks a rule of AWS IoT. AWS was not asked.',
    remedy: 'Correct every place that `violations` names and post the registration again.'
  }
} as const satisfies Readonly<Record<string, ProblemDescription>>
