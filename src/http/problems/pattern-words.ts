const plainName = 'lower-case letters, digits and inner hyphens, at most'
const uuidWords = 'an id, e.g. 019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2a11'
const metadataWords =
  'key:value, of a key of 1 to 64 letters, digits, _, . and -, and at most 256 characters of value'
const sha256Words = '64 hexadecimal digits'

/** What the patterns of the API's schemas allow, in words. A test holds it against all of them. */
const words: Readonly<Record<string, string>> = {
  '^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$': `${plainName} 64`,
  '^[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?$': `${plainName} 80`,
  '^(?:\\*|[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?)$': `*, or ${plainName} 64`,
  '^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$': 'letters, digits and inner ., _ and -, at most 64',
  '^[A-Za-z0-9._-]{1,64}$': '1 to 64 letters, digits, ., _ and -',
  '^[A-Za-z0-9_.-]{1,64}$': '1 to 64 letters, digits, _, . and -',
  '^[0-9A-Za-z][0-9A-Za-z_.-]{0,63}$': 'a letter or digit, and at most 63 letters, digits, _, . and - more',
  '^[0-9A-Za-z_-]{1,36}$': '1 to 36 letters, digits, _ and -',
  '^[A-Za-z0-9_.-]{1,64}:[^\\u0000-\\u001f\\u007f]{0,256}$': metadataWords,
  '^[A-Za-z0-9_.-]{1,64}:[^\\u0000-\\u001f\\u007f]{0,258}$': metadataWords,
  '^[^\\u0000-\\u001f\\u007f]{0,256}$': 'at most 256 characters, none of them a control character',
  '^[^\\u0000-\\u001f\\u007f]{1,258}$': '1 to 256 characters, none of them a control character',
  '^[^\\u0000-\\u001f]+$': 'characters, none of them a control character',
  '^[^\\p{C}]{1,64}$': '1 to 64 characters that can be seen',
  '^[!-~]{1,255}$': '1 to 255 characters of ASCII, and no space',
  '^([^*]{1,256}|[^*]{2,255}\\*)$': '1 to 256 characters, or at least 2 and * behind them',
  '[^\\p{C}\\p{Z}]': 'a text of which something can be seen',
  '[^*]$': 'the whole value, which does not end in *',
  '^[0-9A-Fa-f]{1,2}(:?[0-9A-Fa-f]{2}){0,20}$': 'at most 42 hexadecimal digits, with or without colons',
  '^([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$': `${sha256Words}, with or without colons`,
  '^(?:[0-9A-Fa-f]{64}|(?:[0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2})$': `${sha256Words}, with or without colons`,
  '^(([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}|[0-9A-Fa-f]{1,2}(:?[0-9A-Fa-f]{2}){0,20})$':
    'a certificate id, 64 hexadecimal digits, or a serial number, at most 42, with or without colons',
  '^[0-9A-Fa-f]{64}$': sha256Words,
  '^[0-9a-f]{64}$': '64 hexadecimal digits, in lower case',
  '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$': uuidWords,
  '^[0-9a-f-]{36}\\.[0-9]{1,7}$': 'the nextCursor of the page before',
  '^[0-9]{1,18}$': 'a whole number of at most 18 digits',
  '^[1-9][0-9]{0,8}$': 'a whole number from 1 to 999999999',
  '^(0|[1-9][0-9]{0,2})$': 'a whole number from 0 to 999',
  '^(4|16|64|256)$': '4 | 16 | 64 | 256',
  '^2': 'a date from 2000-01-01 to 2999-12-31',
  '^[12][0-9]{3}-(0[1-9]|1[0-2])$': 'a month from 1000-01 to 2999-12',
  '^[a-z0-9-]{1,32}$': '1 to 32 lower-case letters, digits and hyphens',
  '^[a-z]{2,4}(?:-[a-z]{2,12}){1,2}-[1-9][0-9]?$': 'a region of AWS, e.g. eu-central-1',
  '^[0-9A-Za-z_-]+(?:\\.[0-9A-Za-z_-]+)*$': 'a DNS name of letters, digits, _ and - with dots between',
  '^arn:aws[a-z-]*:iam::[0-9]{12}:role/.{1,512}$': 'the ARN of an IAM role, arn:aws:iam::ACCOUNT:role/NAME',
  '^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\\w+=,.@/-]{1,512}$':
    'the ARN of an IAM role, arn:aws:iam::ACCOUNT:role/NAME',
  '^(?:arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/)?[A-Za-z0-9-]{1,128}$': 'the id or the ARN of a KMS key'
}

/** What it allows; undefined for one that is no schema's of the API. */
export function wordsOfPattern(pattern: string): string | undefined {
  return Object.hasOwn(words, pattern) ? words[pattern] : undefined
}

/** Whether a value that ends in `*` is taken for how others begin. */
export const takesBeginning = (pattern: string): boolean => pattern.endsWith('\\*)$')
