import { signatureAlgorithms, tokenTypes } from '../../access/oidc/provider/settings.ts'
import { choices, pemFile, text, wholeNumber } from '../kind.ts'
import { optional, setting } from '../setting/setting.ts'
import { claim, holdsCertificates, issuerUrl, names, roleMapping } from './kinds.ts'

/** How people sign in at an identity provider (OpenID Connect). */
export const oidcSettings = {
  /** Undefined, with audience and roles: nobody signs in elsewhere. */
  oidcIssuer: optional(issuerUrl(), {
    name: 'MINTLINE_OIDC_ISSUER',
    meaning: 'Identity provider whose access tokens (JWT) are taken from people, as it names itself in "iss"'
  }),
  oidcAudience: optional(text(), {
    name: 'MINTLINE_OIDC_AUDIENCE',
    meaning: 'This service as the identity provider names it in "aud" of tokens that are for it',
    togetherWith: 'MINTLINE_OIDC_ISSUER'
  }),
  oidcRoles: optional(roleMapping(), {
    name: 'MINTLINE_OIDC_ROLES',
    meaning: 'Which value of the role claim gives which role; of several, the one that may most',
    togetherWith: 'MINTLINE_OIDC_ISSUER'
  }),
  oidcRoleClaim: setting(claim(), 'roles', {
    name: 'MINTLINE_OIDC_ROLE_CLAIM',
    meaning: 'The claim in which MINTLINE_OIDC_ROLES looks',
    needs: 'oidcIssuer'
  }),
  oidcNameClaim: setting(claim(), 'sub', {
    name: 'MINTLINE_OIDC_NAME_CLAIM',
    meaning: 'The claim by which log and audit name a person; the audit has "sub" besides',
    needs: 'oidcIssuer'
  }),
  /** Undefined: nobody is held to lines. */
  oidcLinesClaim: optional(claim(), {
    name: 'MINTLINE_OIDC_LINES_CLAIM',
    defaultText: 'none: every line, and no displays',
    meaning: 'The claim with the lines of production that a person sees alone, * in it for all',
    needs: 'oidcIssuer'
  }),
  oidcAlgorithms: setting(choices(signatureAlgorithms), ['RS256', 'PS256', 'ES256', 'EdDSA'], {
    name: 'MINTLINE_OIDC_ALGORITHMS',
    meaning: 'Algorithms of signatures of tokens',
    needs: 'oidcIssuer'
  }),
  oidcTokenTypes: setting(choices(tokenTypes), ['at+jwt'], {
    name: 'MINTLINE_OIDC_TOKEN_TYPES',
    meaning: 'Types of tokens in their header; JWT is for providers that do not write at+jwt (RFC 9068)',
    needs: 'oidcIssuer'
  }),
  /** Empty: all. */
  oidcClients: setting(names(), [], {
    name: 'MINTLINE_OIDC_CLIENTS',
    defaultText: 'all to which the provider gives tokens for the audience',
    meaning: 'Clients whose tokens are taken ("client_id" or "azp")',
    needs: 'oidcIssuer'
  }),
  oidcClockToleranceSeconds: setting(wholeNumber({ minimum: 0, maximum: 300 }), 30, {
    name: 'MINTLINE_OIDC_CLOCK_TOLERANCE_SECONDS',
    meaning: 'Seconds by which the clocks of the provider and this service may differ',
    needs: 'oidcIssuer'
  }),
  /** Undefined: those that Node.js trusts, and NODE_EXTRA_CA_CERTS. */
  oidcCaFile: optional(
    pemFile('certificates of the CAs that the provider may have its own from', {
      isUsable: holdsCertificates
    }),
    {
      name: 'MINTLINE_OIDC_CA_FILE',
      defaultText: 'the CAs that Node.js trusts, and NODE_EXTRA_CA_CERTS',
      meaning:
        'File with the CA certificates, in PEM, that alone are trusted for the provider; read at start',
      needs: 'oidcIssuer'
    }
  )
}
