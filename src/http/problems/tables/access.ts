import type { ProblemDescription } from '../problem-description.ts'

/** Of who asks: tokens and stations. */
export const accessProblems = {
  token_missing: {
    status: 401,
    title: 'A token is needed',
    meaning: 'The request carries no bearer token.',
    remedy: 'Send the header `Authorization: Bearer <token>`. An administrator makes tokens.'
  },
  token_invalid: {
    status: 401,
    title: 'The token is not valid',
    meaning: 'The token is mistyped, unknown or revoked. Which of these is not said.',
    remedy: 'Check that the whole token was copied. If it was, ask an administrator for a new one.'
  },
  role_forbidden: {
    status: 403,
    title: "The token's role may not do this",
    meaning: 'The token is valid, but belongs to a role without this right.',
    remedy: 'Use a token of a role that `requiredRoles` names.'
  },
  token_not_found: {
    status: 404,
    title: 'There is no such token',
    meaning: 'No token has this id, or it is revoked already.',
    remedy: 'Check the id against `GET /v1/tokens`. The id is not the secret.'
  },
  last_admin_token: {
    status: 409,
    title: 'This is the last admin token',
    meaning: 'Without it nobody could administer the service over the API any more.',
    remedy: 'Make another admin token first, then revoke this one.'
  },
  lines_forbidden: {
    status: 403,
    title: 'The token is for some lines alone',
    meaning: 'What was asked for is of all lines of production, or of another than the token is for.',
    remedy: 'Use a token that is for this line, or one that is not held to lines.'
  },
  token_expired: {
    status: 401,
    title: 'The token has ended',
    meaning: 'The token was made to end, and has. It cannot be used any more.',
    remedy:
      'Ask an administrator for a new one, or, ahead of the end, to rotate it. Where it is of an identity provider, sign in anew.'
  },
  jwt_refused: {
    status: 401,
    title: 'The token of the identity provider is not taken',
    meaning:
      'The bearer token is a JWT, and fails a check: signature, key (`kid`), algorithm, type, issuer, audience, client or time. `violations` names it; or this Mintline takes no JWTs.',
    remedy:
      'Do what `violations` says. Send the access token that the provider gives for this service, not the ID token; sign in anew where it may be damaged or old.'
  },
  jwt_role_unknown: {
    status: 403,
    title: 'The token gives no role here',
    meaning:
      'The token of the identity provider holds, but no role of Mintline follows from its claims, or not for which lines of production.',
    remedy:
      'Read `detail`: it names the claim. Ask whoever gives rights at the identity provider, then sign in anew.'
  },
  identity_provider_unavailable: {
    status: 503,
    title: 'The identity provider cannot be reached',
    meaning:
      'Its keys are needed to tell whether a JWT holds, and cannot be had; those that were known are too old, or the token is of a newer one. The token may be good. Tokens that Mintline made are not concerned.',
    remedy:
      'Send the same request again after `Retry-After` seconds. If it lasts, `detail` tells an administrator which address does not answer; a token that Mintline made works meanwhile.'
  },
  client_certificate_refused: {
    status: 401,
    title: 'The client certificate is refused',
    meaning:
      'The client showed a certificate that does not let it in: it is not of a client CA, has ended or not begun, is revoked, cannot be known not to be, belongs to no station or to another one than the token. A valid token beside it does not help.',
    remedy:
      '`violations` names which of these it is and what to do. Or connect without a certificate, and send a token.'
  },
  station_disabled: {
    status: 403,
    title: 'The station is disabled',
    meaning: 'An administrator has disabled the station that the token belongs to.',
    remedy: 'Ask an administrator, who enables it again with `PATCH /v1/stations/{name}`.'
  },
  station_paused: {
    status: 403,
    title: 'The station is paused',
    meaning:
      'The station sent more weak keys, or keys that were certified for other devices, than `MINTLINE_STATION_KEY_FAULTS` allows within a day: what makes its keys must be taken for broken. It is refused whatever it asks; what it got stays valid.',
    remedy:
      'Do not try again: stop the line at this station and find out what makes its keys; `GET /v1/issuances?outcome=rejected` has them. Then an operator lets it go on with `POST /v1/stations/{name}/resume`.'
  },
  station_limit_reached: {
    status: 429,
    title: 'The station sends more than it may',
    meaning:
      'A station may send so many requests in a minute, as an administrator or the settings say. This one was not read.',
    remedy:
      'Send the same request again after `Retry-After` seconds. Where the line needs more, an administrator raises `requestsPerMinute` with `PATCH /v1/stations/{name}`.'
  },
  profile_not_allowed: {
    status: 403,
    title: 'The station may not use this profile',
    meaning:
      'An administrator has said which profiles the station may use, and this one is not among them. Nothing was issued.',
    remedy:
      'Check the profile that the station names. Where it is right, an administrator adds it to `profiles` with `PATCH /v1/stations/{name}`.'
  },
  token_exists: {
    status: 409,
    title: 'There is a valid token of this name',
    meaning: 'Names are unique among the tokens that are valid, so that a name on record means one of them.',
    remedy: 'Rotate the token that there is, revoke it, or choose another name.'
  },
  station_not_found: {
    status: 404,
    title: 'There is no such station',
    meaning: 'No station has this name.',
    remedy: 'Compare the name with `GET /v1/stations`.'
  },
  station_exists: {
    status: 409,
    title: 'There is a station of this name',
    meaning: 'It has other settings than those that were posted. Nothing was changed.',
    remedy: 'Change it with `PATCH /v1/stations/{name}`, or choose another name.'
  },
  client_certificate_not_found: {
    status: 404,
    title: 'The station never had this client certificate',
    meaning: 'No certificate with this SHA-256 let the station in, or was issued to it.',
    remedy: 'Compare the fingerprint with `GET /v1/stations/{name}/client-certificates`.'
  },
  station_certificates_off: {
    status: 409,
    title: 'Stations get no certificates here',
    meaning: "Stations' own certificates are not switched on, so that none would let a station in.",
    remedy:
      'Go on with the token, or a certificate of the CA that this service takes. An administrator switches them on with `MINTLINE_STATION_CERTIFICATES=on`.'
  },
  station_profile_missing: {
    status: 404,
    title: 'There is no station profile',
    meaning: "Nobody has said which line of authority signs stations' certificates, and what they are like.",
    remedy: 'An administrator says so with `PUT /v1/station-profile`.'
  },
  station_profile_invalid: {
    status: 422,
    title: 'The station profile breaks a rule',
    meaning: 'The line that it names is not there, or signs for devices.',
    remedy: 'Name a line for stations: `POST /v1/authorities` with `"purpose": "stations"` makes one.'
  },
  station_key_refused: {
    status: 409,
    title: 'This key is not certified for the station',
    meaning:
      "The key was certified for a device or for another station, is an authority's, or the station's certificate with it was ended. Nothing was issued.",
    remedy: 'Make a new key pair at the station, and send a CSR for that.'
  },
  station_certificates_exhausted: {
    status: 429,
    title: 'The station has had too many certificates',
    meaning:
      'A station gets at most ten certificates in an hour; one lasts for weeks. The same CSR again would get the same certificate.',
    remedy:
      'Send the CSR again after `Retry-After` seconds, and find out why the station asks so often: whether it keeps its key and certificate.'
  },
  station_invalid: {
    status: 422,
    title: 'The station breaks a rule',
    meaning: 'Something that the station is to use is not there.',
    remedy: 'Correct every place that `violations` names.'
  }
} as const satisfies Readonly<Record<string, ProblemDescription>>
