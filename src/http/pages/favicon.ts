/** An M on mint green, 32 by 32: an ICO around a PNG. */
export const favicon = Buffer.from(
  [
    'AAABAAEAICAAAAEAIADzAAAAFgAAAIlQTkcNChoKAAAADUlIRFIAAAAgAAAAIAgGAAAAc3p69AAAALpJREFUeNrdlz0OgDAI',
    'hTt7AE/mOTyAp/GAjk4uuhpDeZSfFEvCUknfV0wLlPInm9bllngX0RAYq7gJgtrouE6RmyGQ8LxvpCMQk3hNFME0QXiJqyC8',
    'xZshOHHKvkJcDAUBAaSbS2NYAJT6mkm/wyxoAZCpAbj0ohNzv8kNgILgYscEeK9LYkMAKB8DgLuGWgC3dyAEoOUptgC4FCMN',
    'QHMx6lKOuzckKVqyFE1pirY8xWCSYjRLMZxG2wPXjG5geWmnyAAAAABJRU5ErkJggg=='
  ].join(''),
  'base64'
)
