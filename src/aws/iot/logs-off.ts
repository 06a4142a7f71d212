/** Apart from what asks AWS IoT for it: who only tells of it has no need of the SDK. */
export const logsAreOff =
  'AWS IoT writes no logs in this account and region: where it does not provision a device, nothing tells why. ' +
  'Turn them on with `aws iot set-v2-logging-options --role-arn ROLE --default-log-level ERROR`, whose role may write to CloudWatch Logs.'
