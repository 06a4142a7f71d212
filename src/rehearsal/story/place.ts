/** The account and region that a rehearsal takes place in. */
export interface Place {
  readonly accountId: string
  readonly region: string
}

const defaultPlace: Place = { accountId: '111122223333', region: 'eu-central-1' }

/**
 * Where a template is meant to be used: a device is let in only where its policies say so. The account is that of the
 * role, the rest is of the first ARN of AWS IoT that names one; wildcards name none.
 */
export function findPlace(templateBody: string, roleArn: string | undefined): Place {
  const region = /arn:aws[a-z-]*:iot:([a-z]{2}(?:-[a-z]+)+-\d+):/.exec(templateBody)?.[1]
  const accountId = /arn:aws[a-z-]*:iot:[^:]*:(\d{12}):/.exec(templateBody)?.[1]
  return {
    accountId: /^arn:[^:]+:iam::(\d{12}):/.exec(roleArn ?? '')?.[1] ?? accountId ?? defaultPlace.accountId,
    region: region ?? defaultPlace.region
  }
}
