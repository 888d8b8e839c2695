select * from (values
    ('c1', 'S1', 'loyal', '59'), ('c2', 'S2', 'new', '06'), ('c3', 'W', 'new', '59'), ('c4', 'S2', 'new', '06')
) as t(customer_id, home_location_id, customer_segment, area_code)
