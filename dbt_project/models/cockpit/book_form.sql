-- The public monthly form out of the books as it is shown (int_shown_book_form).
select
    canteen_id,
    canteen_name,
    school_id,
    school_name,
    county_code,
    county_name,
    account_set,
    month_start,
    biz_month,
    period_rank,
    period_label,
    line_code,
    line_no,
    line_label,
    month_yuan,
    ytd_yuan
from {{ ref('int_shown_book_form') }}
