/** The ARNs of what one account holds in one region. */
export interface Arns {
  caCertificateArn(certificateId: string): string
  certificateArn(certificateId: string): string
  thingArn(thingName: string): string
  thingTypeArn(thingTypeName: string): string
  thingGroupArn(thingGroupName: string): string
  billingGroupArn(billingGroupName: string): string
  policyArn(policyName: string): string
  provisioningTemplateArn(templateName: string): string
}

export function createArns(accountId: string, region: string): Arns {
  const prefix = `arn:${partitionOf(region)}:iot:${region}:${accountId}:`
  return {
    caCertificateArn: certificateId => `${prefix}cacert/${certificateId}`,
    certificateArn: certificateId => `${prefix}cert/${certificateId}`,
    thingArn: thingName => `${prefix}thing/${thingName}`,
    thingTypeArn: thingTypeName => `${prefix}thingtype/${thingTypeName}`,
    thingGroupArn: thingGroupName => `${prefix}thinggroup/${thingGroupName}`,
    billingGroupArn: billingGroupName => `${prefix}billinggroup/${billingGroupName}`,
    policyArn: policyName => `${prefix}policy/${policyName}`,
    provisioningTemplateArn: templateName => `${prefix}provisioningtemplate/${templateName}`
  }
}

export function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn'
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
}
