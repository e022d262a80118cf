#!/bin/sh
# offpeak: name = Disk report ; type = check ; tags = disk, health
# offpeak: description = Reports how full each disk is, as an example of a task in shell
# offpeak: schedule = 0 7 * * * ; enabled = false ; timeout = 60s ; max_retries = 1 ; priority = low
set -eu

echo '0%'
table=$(df -kP)
echo '50%'

# Columns of `df -P`: device, blocks, used, available, capacity, mount point (which may hold blanks).
printf '%s\n' "$table" | awk 'NR > 1 { mount = $6; for (i = 7; i <= NF; i++) mount = mount " " $i; print $5, mount }'

result=$(printf '%s\n' "$table" | awk '
  NR > 1 && $5 ~ /^[0-9]+%$/ {
    used = $5 + 0
    count++
    if (used >= most) {
      most = used
      where = $6
      for (i = 7; i <= NF; i++) where = where " " $i
    }
  }
  END {
    gsub(/["\\]/, "\\\\&", where)
    printf "{\"disks\":%d,\"fullest\":\"%s\",\"percent\":%d}", count, where, most
  }')

echo '100%'
echo "::result $result"
