/**
 * The subject attributes that a Mintline certificate can carry. The first seven bear the names that AWS
 * gives them as JITP parameters (`AWS::IoT::Certificate::<name>`); X.520 has the types and upper bounds.
 */
export const subjectFields = [
  'Country',
  'Organization',
  'OrganizationalUnit',
  'DistinguishedNameQualifier',
  'StateName',
  'CommonName',
  'SerialNumber',
  'Locality'
] as const

export type SubjectField = (typeof subjectFields)[number]

/** One value per field: repeated attributes are refused before this shape is reached. */
export type Subject = Readonly<Partial<Record<SubjectField, string>>>
