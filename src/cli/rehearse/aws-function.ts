/**
 * A line for the shell after which `aws` talks to the stand-in. The AWS CLI heeds `AWS_ENDPOINT_URL_…` only from 1.29
 * and 2.13 on, and an older one, such as Debian's 2.9, would send its requests to AWS.
 */
export function awsFunction(url: string): string {
  return `aws() { command aws --endpoint-url ${url} "$@"; }`
}
